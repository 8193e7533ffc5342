import json, subprocess

class Authenticator:
    def __init__(self, origin):
        command, pipe = ["towline", "virtual", "pipe", "--origin", origin], subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def ask(self, **line):
        print(json.dumps(line), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

create, get = (json.load(open(f"{verb}-options.json")) for verb in ["create", "get"])
phone = Authenticator("https://example.org")
registration = phone.ask(create=create)["response"]  # for your server
sign_in = phone.ask(get=get)["response"]
assert sign_in["id"] == registration["id"]

phone.ask(person="signing-in: refuses once")
assert phone.ask(get=get)["error"]["name"] == "NotAllowedError"
phone.ask(faults=["wrong-challenge"])
broken = phone.ask(get=get)["response"]  # which your server refuses
