"""The virtual service's script in every page of a browser, by WebDriver BiDi.

The pages' content security policy lets them connect to nobody else, so that the script reaches the
service through a function of the window, which the driver hears.
"""

import json

from selenium.common.exceptions import WebDriverException

CHANNEL = "towline"

# Runs before the scripts of a page. What it is given calls the driver.
BEFORE = """
(tell) => {
  const waiting = new Map();
  window.towlineAsk = (text) =>
    new Promise((done) => {
      const number = String(Math.random());
      waiting.set(number, done);
      tell(JSON.stringify({ number, origin: location.origin, text }));
    });
  window.towlineAnswer = (number, text) => {
    waiting.get(number)?.(text);
    waiting.delete(number);
  };
  %s
}
"""


class Message:
    """What a page said: the parameters of `script.message`."""

    event_class = "script.message"

    @classmethod
    def from_json(cls, parameters):
        return parameters


class PageScript:
    """Virtual authenticators in all pages of this driver from now on."""

    def __init__(self, driver, service):
        self.service = service
        # Begins to speak BiDi, too.
        assert driver.script
        self.bidi = driver._websocket_connection
        source = service.ask("GET", "/page/script.js?binding=towlineAsk")
        self.send("session.subscribe", {"events": ["script.message"]})
        self.bidi.add_callback(Message, self.heard)
        channel = {"type": "channel", "value": {"channel": CHANNEL, "ownership": "none"}}
        self.send(
            "script.addPreloadScript",
            {"functionDeclaration": BEFORE % source, "arguments": [channel]},
        )

    def send(self, method, parameters):
        answer = self.bidi.send_cmd(method, parameters)
        assert "error" not in answer, answer
        return answer

    def heard(self, message):
        """In a thread of its own: who looks for a key may take long."""
        if message["channel"] != CHANNEL:
            return
        said = json.loads(message["data"]["value"])
        body = {"origin": said["origin"], "message": json.loads(said["text"])}
        answer = self.service.ask("POST", "/page", body)
        texts = [{"type": "string", "value": value} for value in (said["number"], answer)]
        call = {
            "functionDeclaration": "(number, text) => window.towlineAnswer(number, text)",
            "target": {"realm": message["source"]["realm"]},
            "arguments": texts,
            "awaitPromise": False,
        }
        try:
            # A page that is gone needs no answer, which is an error that nobody minds.
            self.bidi.send_cmd("script.callFunction", call)
        except (AttributeError, WebDriverException):
            # The browser itself is gone.
            pass
