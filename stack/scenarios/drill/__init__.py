"""The fault drill: real faults on the running system, one after the other, and the notifications that on-call gets."""
