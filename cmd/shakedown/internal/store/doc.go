// Package store keeps runs on disk: one [Folder] a run, below one root.
//
//	runs/
//	  latest -> etcd-storm/20261122T101502Z-7f3a91
//	  etcd-storm/20261122T101502Z-7f3a91/
//	    run.json  scenario.yaml  plan.json     before the first fault
//	    history.jsonl  nodes/…                 while it runs
//	    checks/…  result.json  report.html     when it was judged
//
// How far a run got is told by which files there are, never by a status that
// could be wrong: result.json is written last, and a folder without it is a
// run that was cut short and can still be judged. Every file but the history
// is whole or absent. The folder knows nothing of what its files mean, except
// for [RunInfo] and [Result], which are for whoever finds it later.
package store
