"""Has two libraries by other authors judge responses with faults, and compares what they notice
with what docs/faults.md says.

Takes the lines of `virtual_cases faults` as its input.
"""

import json
import sys

from parties import ALL


def noticed(visit, party):
    """In which ceremony the site refuses something; None where it takes everything."""
    site = party(visit)
    for number, step in enumerate(visit["steps"]):
        try:
            if step["ceremony"] == "refused":
                raise ValueError(f"the client refuses: {step['name']}")
            judge = site.register if step["ceremony"] == "create" else site.sign_in
            judge(step["options"], step["response"])
        except Exception as error:
            return ceremony(visit, number, error)
    return None


def ceremony(visit, number, error):
    # A registration has the fault in the second passkey; a sign-in, in the last step.
    faulty = 1 if visit["phase"] == "registration" else len(visit["steps"]) - 1
    if number < faulty:
        raise AssertionError(f"{visit['fault']}: refused before the fault") from error
    return visit["phase"] if number == faulty else "the next sign-in"


def main():
    visits = [json.loads(line) for line in sys.stdin]
    different = False
    for party in ALL:
        found, told = {}, {}
        for visit in visits:
            told[visit["fault"]] = visit["told"][party.title]
            found.setdefault(visit["fault"], []).append(noticed(visit, party))
        for fault, where in found.items():
            cell = ", ".join(filter(None, where)) or "no"
            if cell != told[fault]:
                different = True
                print(f"docs/faults.md: {fault}: {party.title}: {told[fault]!r} should be {cell!r}")
        count = sum(any(where) for where in found.values())
        print(f"{party.name}: notices {count} of {len(found)} faults")
    sys.exit(different)


main()
