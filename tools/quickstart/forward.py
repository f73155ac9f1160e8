"""Carries bytes from one port of loopback to another.

usage: forward.py FROM TO
"""

import asyncio
import sys


async def carry(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def meet(reader, writer):
    to_reader, to_writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await asyncio.gather(carry(reader, to_writer), carry(to_reader, writer))


async def main():
    server = await asyncio.start_server(meet, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
