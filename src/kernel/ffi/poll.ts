// Descriptors that Node refuses (netlink, packet sockets) in its event loop: libuv's uv_poll_t through koffi.

import koffi from 'koffi';

/** A descriptor being watched. Close it before the descriptor. */
export interface Watch {
  close(): void;
}

type PollListener = (status: number) => void;

/**
 * Calls `listener` whenever the descriptor can be read or has an error waiting, until closed. No thread is involved.
 *
 * koffi calls back outside of Node's callback scope: promises resolved there would wait for the next event, and a
 * thrown error would be lost. setImmediate, which runs in the same turn of the loop, gives both back.
 */
export function watchReadable(fd: number, listener: () => void): Watch {
  let open = true;
  const onPoll: PollListener = (status) => {
    setImmediate(() => {
      if (!open) return;
      // libuv stops a handle whose descriptor reports POLLERR (ENOBUFS, ENETDOWN): reading takes the error, then go on.
      if (status < 0) start();
      listener();
    });
  };
  // koffi's types say that the listener gets events alone; it gets libuv's status first (uv.cc, PollHandle::OnPoll).
  const handle = koffi.node.poll(fd, { readable: true }, onPoll as unknown as () => void);
  const start = () => handle.start({ readable: true }, onPoll as unknown as () => void);
  return {
    close() {
      if (open) handle.close();
      open = false;
    },
  };
}
