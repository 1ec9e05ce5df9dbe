"""A link that is late, where the kernel has no module for one.

relay.py whole INTERFACE: has the kernel put whole checksums into frames that it sends here.
relay.py LEFT RIGHT MILLISECONDS: carries frames between two interfaces, each so many milliseconds late.
"""

import array
import fcntl
import heapq
import select
import socket
import struct
import sys
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4


SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM = 0x17


def whole(name):
    value = array.array("B", struct.pack("II", ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP", name.encode(), value.buffer_info()[0])
    fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), SIOCETHTOOL, request)


def interface(name):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    link.bind((name, 0))
    return link


if sys.argv[1] == "whole":
    whole(sys.argv[2])
    sys.exit()
left, right = interface(sys.argv[1]), interface(sys.argv[2])
late = float(sys.argv[3]) / 1000
other = {left: right, right: left}
waiting = []
number = 0
print("ready", flush=True)
while True:
    now = time.monotonic()
    while waiting and waiting[0][0] <= now:
        _, _, link, frame = heapq.heappop(waiting)
        try:
            link.send(frame)
        except OSError:
            pass
    rest = max(0, waiting[0][0] - now) if waiting else None
    for link in select.select([left, right], [], [], rest)[0]:
        frame, address = link.recvfrom(65535)
        if address[2] != PACKET_OUTGOING:
            number += 1
            heapq.heappush(waiting, (time.monotonic() + late, number, other[link], frame))
