#!/usr/bin/env python3
"""Makes a database in the middle of a sale, and what its users know of it: the data of tests/*/upgrade.rs.

    make.py FRONTROW sqlite
    make.py FRONTROW postgres URL      URL: of an empty database

FRONTROW is a binary of the version that is upgraded from. The files beside this one were made by the last version that kept
waiting rooms in rooms of their own (schema m0010).
"""

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).parent
PLACE = "tokenId status position waiting admittedUntil"


class Server:
    def __init__(self, binary, folder, database):
        self.binary, self.folder = binary, folder
        self.env = {"PATH": os.environ["PATH"], "NO_COLOR": "1"}
        if database:
            self.env["FRONTROW_DATABASE_URL"] = database
        options = ["--listen", "127.0.0.1:0", "--self-service-charging", "--rate-limits", "off"]
        self.process = subprocess.Popen(
            [binary, *options], cwd=folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            print(line, end="", file=sys.stderr)
            found = re.search(r"http://(127\.0\.0\.1:\d+)", line)
            if found:
                self.address = found[1]
                break

    def identity(self, user, role=None):
        command = [self.binary, "token", "--user", user] + (["--role", role] if role else [])
        return subprocess.check_output(command, cwd=self.folder, env=self.env, text=True).strip()

    def ask(self, bearer, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
        request = urllib.request.Request(f"http://{self.address}/graphql", body, headers)
        answer = json.load(urllib.request.urlopen(request))
        assert "errors" not in answer, (query, answer)
        return next(iter(answer["data"].values()))

    def act(self, bearer, name, select, **given):
        kind = name[0].upper() + name[1:] + "Input"
        query = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ {select} problem {{ code message }} }} }}"
        payload = self.ask(bearer, query, input=given)
        assert payload["problem"] is None, (name, payload)
        return payload

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0


def main(binary, kind, database=None):
    folder = tempfile.mkdtemp()
    server = Server(str(Path(binary).absolute()), folder, database)
    # Whatever goes wrong here.
    atexit.register(server.process.kill)
    organizer = server.identity("organizer", "ORGANIZER")
    concert = server.ask(
        organizer, "mutation { createConcert(input: { title: \"Soundtracks\" }) { id } }")["id"]

    def date(opens, closes="2099-06-01T00:00:00Z", rows=2, cols=5, **policy):
        policy = {"heartbeatTimeoutSeconds": 3600, "sessionSeconds": 3600} | policy
        make = """mutation($input: CreateSeriesInput!) { createSeries(input: $input) { id seats { id number } } }"""
        return server.ask(organizer, make, input={
            "concertId": concert, "startAt": "2099-06-02T00:00:00Z", "endAt": "2099-06-03T00:00:00Z",
            "reserveStartAt": opens, "reserveEndAt": closes, "queuePolicy": policy,
            "sections": [{"name": "Floor", "rows": rows, "cols": cols, "price": 10_000}]})

    def after(seconds):
        return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat()

    bearers = {}

    def join(name, series):
        joined = server.act(server.identity(name), "issueToken", f"token position {{ {PLACE} }}", seriesId=series["id"])
        bearers[name, series["id"]] = joined["token"]
        return joined["token"]

    def hold(bearer, *seats):
        return server.act(bearer, "holdSeats", "holds { id }", seatIds=list(seats))["holds"]

    # A date that was drawn, with a line, sessions, holds and tickets.
    sale = date(after(4), maxActive=3)
    lobby = [f"lobby-{n}" for n in range(9)]
    for name in lobby:
        join(name, sale)
    # One that is over, one that is sold out, and one whose lobby is open for long.
    over = date(after(-60), closes=after(5), rows=1, cols=1, maxActive=1)
    gone = date(after(-60), rows=1, cols=1, maxActive=1)
    later = date("2099-01-01T00:00:00Z")
    for n in range(7):
        join(f"early-{n}", later)
    server.ask(bearers["early-3", later["id"]], "mutation { leaveQueue { status } }")

    seller = join("early-bird", gone)
    join("late-bird", gone)
    hold(seller, gone["seats"][0]["id"])
    server.act(seller, "charge", "points { balance }", amount=50_000, idempotencyKey="charge")
    server.act(seller, "pay", "payment { id }", idempotencyKey="pay")
    for name in ["chooser", "waiter"]:
        join(name, over)
    time.sleep(6)

    status = lambda name: server.ask(bearers[name, sale["id"]], f"{{ token {{ position {{ {PLACE} }} }} }}")["position"]
    admitted = [name for name in lobby if status(name)["status"] == "ADMITTED"]
    assert len(admitted) == 3, admitted
    seats = [seat["id"] for seat in sale["seats"]]
    # One pays for two seats and gives one back: the place is over, the next in line is let in.
    buyer, brief, holder = admitted
    ask = bearers[buyer, sale["id"]]
    hold(ask, seats[0], seats[1])
    server.act(ask, "charge", "points { balance }", amount=100_000, idempotencyKey="charge")
    server.act(ask, "usePoints", "points { balance }", amount=1_000, idempotencyKey="use")
    paid = server.act(ask, "pay", "payment { id } reservations { id }", idempotencyKey="pay")
    server.act(ask, "cancelReservation", "reservation { id }", idempotencyKey="cancel",
               reservationId=paid["reservations"][0]["id"])
    # One lets a hold go after more than a minute, which counts (rule 13), and stays.
    ask = bearers[brief, sale["id"]]
    let_go = hold(ask, seats[2])[0]["id"]
    # One of the lobby and one of the line leave; some come later.
    for name in ["later-0", "later-1", "later-2"]:
        join(name, sale)
    waiting = [name for name in lobby if status(name)["status"] == "WAITING"]
    for name in [waiting[1], "later-1"]:
        server.ask(bearers[name, sale["id"]], "mutation { leaveQueue { status } }")
    time.sleep(62)
    server.act(ask, "releaseHold", "hold { id }", holdId=let_go)
    # The last word: two seats are held by one who is still choosing, a third by who let one go.
    hold(ask, seats[3])
    hold(bearers[holder, sale["id"]], seats[4], seats[5])

    known = {"at": after(0), "version": subprocess.check_output([binary, "--version"], text=True).strip()}
    known["series"] = {"sale": sale["id"], "over": over["id"], "gone": gone["id"], "later": later["id"]}
    known["payment"] = paid["payment"]["id"]
    fans = known["fans"] = []
    for (name, series), bearer in bearers.items():
        fans.append({
            "user": name, "series": series,
            "place": server.ask(bearer, f"{{ token {{ position {{ {PLACE} }} }} }}")["position"],
            "balance": server.ask(bearer, "{ points { balance } }")["balance"],
            "ledger": server.ask(
                bearer, "{ points { history(first: 100) { nodes { kind amount balanceAfter } } } }")["history"]["nodes"],
            "holds": server.ask(bearer, "{ holds { id seat { id } expiresAt } }"),
            "tickets": server.ask(
                bearer, "{ reservations(first: 100) { nodes { id status seat { id } } } }")["nodes"]})
    looks = known["seats"] = {}
    for name, series in known["series"].items():
        seats = server.ask(organizer, "query($id: ID!) { seats(seriesId: $id) { id status } }", id=series)
        looks[name] = [seat["status"] for seat in seats]
    draw = json.load(urllib.request.urlopen(f"http://{server.address}/draw/{sale['id']}"))
    known["order"] = draw["order"]
    server.stop()

    if kind == "sqlite":
        (HERE / "sale.db").unlink(missing_ok=True)
        source = Path(folder, "data", "frontrow.db")
        # Smaller pages: most of them are nearly empty.
        smaller = f"PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM; VACUUM INTO '{HERE / 'sale.db'}'"
        subprocess.check_call(["sqlite3", source, smaller])
    else:
        dump = subprocess.check_output(
            ["pg_dump", "--no-owner", "--no-privileges", "--inserts", database], text=True)
        (HERE / "sale.sql").write_text(re.sub(r"^\\(un)?restrict .*\n", "", dump, flags=re.M))
    (HERE / f"{kind}.json").write_text(json.dumps(known, indent=1) + "\n")
    shutil.rmtree(folder)


main(*sys.argv[1:])
