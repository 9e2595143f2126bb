#!/usr/bin/env python3
"""A brain whose mind is elsewhere: what the line tells it goes to the socket that it is given, and
what comes from there goes to the line. It ends when either of them does, or when it is killed."""
import os, socket, sys, threading


def connected(path):
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(path)
    return stream


def pass_on(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    finally:
        os._exit(0)


line, mind = connected(os.environ["XENLINE_BRAIN_SOCKET"]), connected(sys.argv[1])
threading.Thread(target=pass_on, args=(line, mind), daemon=True).start()
pass_on(mind, line)
