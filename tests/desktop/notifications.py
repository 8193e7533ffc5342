"""A desktop's notification service (org.freedesktop.Notifications 1.2) whose buttons a test
presses.
"""

import asyncio
import queue
import time
from threading import Thread

from dbus_next.aio import MessageBus
from dbus_next.service import ServiceInterface, method, signal

NAME = "org.freedesktop.Notifications"
EXPIRED, BY_THE_PERSON, BY_THE_PROGRAM = 1, 2, 3


class Service(ServiceInterface):
    def __init__(self):
        super().__init__(NAME)
        self.last = 0
        self.shown = queue.Queue()
        self.closed = queue.Queue()
        self.at_once = None

    @method()
    def Notify(self, app: "s", replaces: "u", icon: "s", summary: "s", body: "s", actions: "as", hints: "a{sv}", timeout: "i") -> "u":
        self.last += 1
        if self.at_once:
            # Before the program knows the number of what it shows.
            self.ActionInvoked(self.last, self.at_once)
        self.shown.put({"id": self.last, "app": app, "summary": summary, "body": body, "actions": actions, "timeout": timeout})
        return self.last

    @method()
    def CloseNotification(self, id: "u"):
        self.closed.put(id)
        self.NotificationClosed(id, BY_THE_PROGRAM)

    @method()
    def GetCapabilities(self) -> "as":
        return ["actions", "body"]

    @method()
    def GetServerInformation(self) -> "ssss":
        return ["a test", "towline", "1", "1.2"]

    @signal()
    def ActionInvoked(self, id: "u", action: "s") -> "us":
        return [id, action]

    @signal()
    def NotificationClosed(self, id: "u", reason: "u") -> "uu":
        return [id, reason]


class Desktop:
    """The service in a thread of its own, and a person in front of it."""

    def __init__(self):
        self.service = Service()
        self.loop = asyncio.new_event_loop()
        ready = queue.Queue()
        Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.get(timeout=10)

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve(ready))

    async def _serve(self, ready):
        bus = await MessageBus().connect()
        bus.export("/org/freedesktop/Notifications", self.service)
        await bus.request_name(NAME)
        ready.put(None)
        await bus.wait_for_disconnect()

    def next(self):
        """The next notification, when a person has read it."""
        shown = self.service.shown.get(timeout=20)
        time.sleep(0.5)
        return shown

    def press(self, shown, action):
        self.loop.call_soon_threadsafe(self.service.ActionInvoked, shown["id"], action)
        self.loop.call_soon_threadsafe(self.service.NotificationClosed, shown["id"], BY_THE_PERSON)

    def press_at_once(self, action):
        """From now on, the person is as quick as can be; with None they read first."""
        self.service.at_once = action

    def close(self, shown, reason=BY_THE_PERSON):
        self.loop.call_soon_threadsafe(self.service.NotificationClosed, shown["id"], reason)

    def was_closed(self):
        """The id of the next one that its program took off the screen."""
        return self.service.closed.get(timeout=20)
