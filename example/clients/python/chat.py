"""A chat in the terminal, on the standard library and `websockets` (10 or later): python3 chat.py alice password

Type a line to send it to the open room, `/rooms` for the list, `/open 2` for the second room of it.
What travels, and why, stands in docs/protocol.md.
"""

import asyncio
import html
import json
import os
import re
import sys
import urllib.error
import urllib.request
import uuid

import websockets

SERVER = os.environ.get("CHAT_SERVER", "http://127.0.0.1:3000")
# An offset that no room has reached: the server replays nothing and tells where the room stands.
NOWHERE = 2**53 - 1


def sign_in(username, password):
    """The token and the user."""
    body = json.dumps({"username": username, "password": password}).encode()
    request = urllib.request.Request(SERVER + "/api/login", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)
    return answer["token"], answer["user"]


class Refused(Exception):
    """The server refused an event: `code`, `detail`, `retry_after` (seconds)."""

    def __init__(self, error):
        error = error if isinstance(error, dict) else {"code": 4003, "detail": error}
        super().__init__(error["detail"])
        self.code = error["code"]
        self.retry_after = error.get("retry_after", 1)


class Chat:
    """Says what is said in all rooms. Comes back by itself, with what was missed meanwhile."""

    def __init__(self, token, user):
        self.token, self.user = token, user
        self.rooms, self.room = [], None
        self.offsets = {}  # room id -> everything up to here was shown
        self.asked = {}  # id of an event -> the future of its answer
        self.outbox = asyncio.Queue()
        self.held = []  # broadcasts that came before what was missed, None when nothing is missed
        self.socket = None
        self.online = asyncio.Event()

    async def run(self):
        url = SERVER.replace("http", "ws", 1) + "/messaging/"
        # Left to itself, `connect` tries again with growing waits.
        async for self.socket in websockets.connect(url, subprotocols=["bearer", self.token], max_size=None):
            tasks = [asyncio.create_task(part) for part in (self.start(), self.heartbeat())]
            try:
                async for text in self.socket:
                    await self.receive(json.loads(text))
            except websockets.ConnectionClosed:
                pass
            for task in tasks:
                task.cancel()
            self.online.clear()
            self.held = []
            for future in self.asked.values():
                if not future.done():
                    future.set_exception(ConnectionError())
            self.asked.clear()
            if self.socket.close_code == 4001:
                print("The sign-in has ended.", flush=True)
                os._exit(1)  # an ordinary exit would wait for the thread that reads the keyboard
            print("(the connection was lost)", flush=True)

    async def start(self):
        try:
            await self.catch_up()
        except Refused:
            await self.socket.close()
        except (ConnectionError, websockets.ConnectionClosed):
            pass

    async def catch_up(self):
        self.rooms = await self.ask("room.list", {})
        known = {room["id"]: self.offsets.get(room["id"], NOWHERE) for room in self.rooms}
        answer = await self.ask("session.resume", {"rooms": known}) if known else {"rooms": {}}
        for room_id, state in answer["rooms"].items():
            if not state["recovered"]:
                if known[room_id] != NOWHERE:
                    print(f"(more was said in {self.name_of(room_id)} than can be shown)")
                self.offsets[room_id] = state.get("offset", NOWHERE)
        held, self.held = sorted(self.held, key=lambda frame: frame["offset"]), None
        for frame in held:
            await self.take(frame)
        self.online.set()
        print("(online)", flush=True)

    async def heartbeat(self):
        while True:
            await asyncio.sleep(20)
            await self.tell("session.heartbeat", {})

    async def ask(self, event_type, data):
        """The data of the answer. Raises Refused, or ConnectionError when the connection is lost."""
        event_id = str(uuid.uuid4())
        self.asked[event_id] = future = asyncio.get_running_loop().create_future()
        await self.tell(event_type, data, id=event_id)
        return await future

    async def tell(self, event_type, data, **more):
        await self.socket.send(json.dumps({"event_type": event_type, "data": data, **more}))

    async def receive(self, frame):
        future = self.asked.pop(frame.get("id"), None)
        if future and "error" in frame:
            future.set_exception(Refused(frame["error"]))
        elif future:
            future.set_result(frame.get("data"))
        elif frame.get("eventType") == "chat.notifications":
            for notifications in frame["data"].values():  # at most 100 of a room
                ids = [notification["message"]["id"] for notification in notifications]
                await self.tell("message.acknowledged", {"message_id": ids})
        elif "offset" in frame and self.held is not None:
            self.held.append(frame)
        elif "eventType" in frame:
            await self.take(frame)

    async def take(self, frame):
        """One dispatch, once: a replayed one that was shown has no higher offset."""
        room_id, offset, data = frame.get("room_id"), frame.get("offset"), frame["data"]
        if offset is not None:
            if offset <= self.offsets.get(room_id, 0):
                return
            self.offsets[room_id] = offset
        if frame["eventType"] == "roomcreate.dispatch":
            self.rooms.insert(0, data)
        if frame["eventType"] == "message.dispatch":
            print(f"[{self.name_of(room_id)}] {data['sender']['username']}: {to_text(data['content'])}", flush=True)
            if data["sender"]["id"] != self.user["id"]:
                await self.tell("message.read", {"message_id": data["id"]})

    async def send_waiting(self):
        """One after the other, so that their order stays; the client id makes it safe to send again."""
        while True:
            entry = await self.outbox.get()
            while True:
                await self.online.wait()
                try:
                    await self.ask("message.send", entry)
                    break
                except Refused as error:
                    if error.code not in (4029, 4503):
                        print(f"(not sent: {error})", flush=True)
                        break
                    await asyncio.sleep(error.retry_after)
                except (ConnectionError, websockets.ConnectionClosed):
                    self.online.clear()
            self.outbox.task_done()

    def name_of(self, room_id):
        room = next((room for room in self.rooms if room["id"] == room_id), {})
        return room.get("name") or (room.get("peer") or {}).get("username") or "a chat"

    def command(self, line):
        word, _, rest = line.partition(" ")
        if word == "/rooms":
            for number, room in enumerate(self.rooms, 1):
                print(f"{number} {self.name_of(room['id'])}", flush=True)
        elif word == "/open" and rest.isdigit() and 0 < int(rest) <= len(self.rooms):
            self.room = self.rooms[int(rest) - 1]["id"]
            print(f"(you are in {self.name_of(self.room)})", flush=True)
        elif self.room is None:
            print("(open a room first: /rooms, then /open 1)", flush=True)
        else:
            self.outbox.put_nowait({"room_id": self.room, "content": line, "client_id": str(uuid.uuid4())})


def to_text(content):
    """Content is HTML that the server has sanitised; this is its text."""
    return html.unescape(re.sub(r"<[^>]*>", "", content))


async def main(username, password):
    try:
        chat = Chat(*sign_in(username, password))
    except urllib.error.HTTPError as error:
        sys.exit(json.load(error)["error"])
    parts = [asyncio.create_task(part()) for part in (chat.run, chat.send_waiting)]
    await chat.online.wait()
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line.strip():
            chat.command(line.strip())
    await chat.outbox.join()
    for part in parts:
        part.cancel()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 chat.py USERNAME PASSWORD")
    asyncio.run(main(*sys.argv[1:]))
