// Package ssh reaches the hosts of a cluster over SSH: it logs in, puts the
// agent there, and starts it over the session, so that it dies, and heals, with
// the session.
//
// [Dial] gives a [Host]'s [Connection]; [Connection.StartAgent] is what the
// nemesis then talks to. Host keys are checked against known_hosts and nothing
// else; passwords are not used. [Up] makes a cluster of such hosts, one node on
// each, and [Sweep] takes away what one left that did not end by itself.
package ssh
