package ssh

import "strings"

// A unit is one of systemd's that runs the node, as the host's shell is told of
// it. Root is what to put before what only root may do.
type unit struct{ name, root string }

func (m *member) unit(root string) unit { return unit{m.cluster.spec.Control.Unit, root} }

// as puts the unit into a command, wherever it says UNIT; ROOT stands before
// what root does.
func (u unit) as(command string) string {
	return strings.NewReplacer("UNIT", quote(u.name), "ROOT ", u.root).Replace(command)
}

// takeLine takes the unit in hand for the run: systemd does not start it again
// by itself while a fault keeps it down, and starts it however often we say so.
// That is written where a reboot forgets it. Of the journal it notes the end, so
// that what was before is not taken for ours.
func (u unit) takeLine(dir string) string {
	return u.as(`[ "$(systemctl show -p LoadState --value UNIT)" != not-found ] || { echo "there is no unit of that name" >&2; exit 5; }
d=/run/systemd/system/$(systemctl show -p Id --value UNIT).d || exit
ROOT mkdir -p "$d" && printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=no\n' | ROOT tee "$d/shakedown.conf" >/dev/null || exit
ROOT systemctl daemon-reload && { ROOT journalctl -q -n 0 --show-cursor 2>/dev/null || true; } >` + quote(dir+"/cursor"))
}

// letGoLine takes back what takeLine did, if it did.
func (u unit) letGoLine() string {
	return u.as(`d=/run/systemd/system/$(systemctl show -p Id --value UNIT).d || exit
[ ! -e "$d/shakedown.conf" ] || { ROOT rm "$d/shakedown.conf" && { ROOT rmdir "$d" 2>/dev/null || true; } && ROOT systemctl daemon-reload; }`)
}

// startLine returns when there is a main process, or will be none: a unit that
// tells when it is ready may be so only after a fault.
func (u unit) startLine() string {
	return u.as(`ROOT systemctl start --no-block UNIT && { while s=$(systemctl show -p MainPID -p Job UNIT) && echo "$s" | grep -q '^Job=[1-9]' && echo "$s" | grep -qx MainPID=0; do sleep 0.05; done; }`)
}

func (u unit) stopLine() string { return u.as("ROOT systemctl stop UNIT") }

func (u unit) pidLine() string {
	return u.as(`p=$(systemctl show -p MainPID --value UNIT); [ "$p" = 0 ] || echo "$p"`)
}

// journal prints what the unit has said, and what systemd says of it.
func (u unit) journal() string {
	return u.as("ROOT journalctl -q --no-pager --utc -o short-iso-precise -u UNIT")
}
