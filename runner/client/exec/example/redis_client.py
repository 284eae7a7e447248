"""A client of Redis for Shakedown, in plain Python and nothing else.

One process of this program is one client of one node. It reads one JSON object a
line and answers each with one; see the package comment of runner/client/exec.
What matters is the difference between three answers:

    ok    it happened
    fail  it did not happen, and never will
    info  nobody knows: it was sent, and then something went wrong
"""
import json
import socket
import sys

CAS = "local v = redis.call('GET', KEYS[1]) or 'null' if v == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end return v"


class Refused(Exception):
    """It did not happen, and never will."""


class Redis:
    """One connection to one node, in Redis's own protocol."""

    def __init__(self, address):
        self.address, self.file = address, None

    def call(self, *words, timeout):
        if self.file is None:
            try:
                connection = socket.create_connection(self.address, timeout=timeout)
            except OSError as error:
                raise Refused(f"connect: {error}")  # nothing was sent
            self.file = connection.makefile("rwb")
            connection.settimeout(timeout)
        try:
            parts = [str(word).encode() for word in words]
            self.file.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
            self.file.flush()
            return self.answer()
        except OSError:
            self.file = None  # a late answer must not be taken for that of the next
            raise

    def answer(self):
        line = self.file.readline()
        kind, text = line[:1], line[1:].strip().decode()
        if kind == b"-":
            raise Refused(text)
        if kind == b"$":
            return None if text == "-1" else self.file.read(int(text) + 2)[:-2].decode()
        if kind == b":":
            return int(text)
        if kind == b"+":
            return text
        raise OSError("the connection was closed")


def carry_out(redis, op):
    """Returns the value of the answer."""
    timeout = 0.8 * op["timeout_ms"] / 1000  # so that this program is the first to give up
    f, key, value = op["f"], op.get("key"), op["value"]
    if f == "ready":
        redis.call("PING", timeout=timeout)
    elif f == "read":
        found = redis.call("GET", key, timeout=timeout)
        return None if found is None else json.loads(found)
    elif f == "write":
        redis.call("SET", key, json.dumps(value), timeout=timeout)
    elif f == "cas":
        old, new = value
        found = redis.call("EVAL", CAS, 1, key, json.dumps(old), json.dumps(new), timeout=timeout)
        if found != json.dumps(old):
            raise Refused("value differed", [old, new, json.loads(found)])  # as good as a read
    else:
        raise Refused(f"no operation {f}")
    return value


def main():
    node = json.loads(sys.stdin.readline())["open"]["node"]
    redis = Redis((node["ip"], node["ports"]["client"]))
    for line in sys.stdin:
        op = json.loads(line)
        answer = {"id": op["id"]}
        try:
            answer |= {"type": "ok", "value": carry_out(redis, op)}
        except Refused as error:
            answer |= {"type": "fail", "error": error.args[0], "value": error.args[1] if error.args[1:] else None}
        except OSError as error:
            # A read that came to nothing changed nothing.
            answer |= {"type": "fail" if op["f"] == "read" else "info", "error": str(error)}
        print(json.dumps(answer), flush=True)


main()
