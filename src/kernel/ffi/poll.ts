// Watches descriptors that Node does not support (netlink, packet sockets) in its event loop: libuv's uv_poll_t through
// koffi.

import koffi from 'koffi';

/** A watched descriptor. Close the watch before the descriptor. */
export interface Watch {
  close(): void;
}

type PollListener = (status: number) => void;

/**
 * Calls `listener` whenever the descriptor is readable or has a pending error, until the watch is closed. No thread is
 * involved.
 *
 * koffi calls back outside of Node's callback scope. There, resolved promises would wait for the next event, and a
 * thrown error would be lost. setImmediate, which runs in the same turn of the event loop, solves both.
 */
export function watchReadable(fd: number, listener: () => void): Watch {
  let open = true;
  const onPoll: PollListener = (status) => {
    setImmediate(() => {
      if (!open) return;
      // libuv stops a handle whose descriptor reports POLLERR (ENOBUFS, ENETDOWN). Reading clears the error, so start
      // the handle again.
      if (status < 0) start();
      listener();
    });
  };
  // koffi's types say that the listener gets only the events. In fact, it gets libuv's status first (uv.cc,
  // PollHandle::OnPoll).
  const handle = koffi.node.poll(fd, { readable: true }, onPoll as unknown as () => void);
  const start = () => handle.start({ readable: true }, onPoll as unknown as () => void);
  return {
    close() {
      if (open) handle.close();
      open = false;
    },
  };
}
