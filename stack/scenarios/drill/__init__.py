"""The fire drill: real faults on the running system, one after the other, and what on-call is told of each."""
