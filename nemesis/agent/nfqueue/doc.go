// Package nfqueue speaks to a netfilter queue: the kernel hands over packets
// that a rule of nftables sends there, and keeps each until it gets a verdict.
package nfqueue
