"""A program for tests that receives bytes from its terminal: `byte_recorder.py FILE [TEXT TO PRINT FIRST]`.

It puts the terminal into raw mode, appends every byte to the file and shows how many there were, as `<12>`.
"""

import os
import sys
import termios
import tty
from pathlib import Path

tty.setraw(0, termios.TCSANOW)  # what was typed already is not thrown away
os.write(1, (sys.argv[2] if len(sys.argv) > 2 else "").encode().decode("unicode_escape").encode() + b"<0>")
with Path(sys.argv[1]).open("wb", buffering=0) as record:
    total = 0
    while data := os.read(0, 4096):
        record.write(data)
        total += len(data)
        os.write(1, f"\r<{total}>".encode())
