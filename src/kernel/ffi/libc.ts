// The libc calls that Node does not offer, through koffi. A failed call throws KERNEL_REFUSED with its errno.

import koffi from 'koffi';
import { refusal } from '#net';

const libc = koffi.load(null);

const sockFilter = koffi.struct({ code: 'uint16_t', jt: 'uint8_t', jf: 'uint8_t', k: 'uint32_t' });
const sockProgram = koffi.struct({ length: 'uint16_t', filter: koffi.pointer(sockFilter) });

/** One instruction of a classic BPF program (filter.h, `struct sock_filter`). */
export interface FilterInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** The C functions. Paths are file-system paths, sizes are bytes. */
const c: {
  open(path: string, flags: number, mode: number): number;
  close: {
    (fd: number): number;
    async(fd: number, done: (error: Error | null, result: number) => void): void;
  };
  setns(fd: number, kind: number): number;
  unshare(flags: number): number;
  mount(source: string, target: string, type: string | null, flags: number, data: null): number;
  umount2(target: string, flags: number): number;
  flock(fd: number, operation: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  listen(fd: number, backlog: number): number;
  send: {
    (fd: number, bytes: Uint8Array, length: number, flags: number): number;
    async(
      fd: number,
      bytes: Uint8Array,
      length: number,
      flags: number,
      done: (error: Error | null, sent: number) => void,
    ): void;
  };
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint32Array): number;
  setFilter(fd: number, level: number, name: number, program: object, length: number): number;
  if_nametoindex(name: string): number;
  strerror(errno: number): string;
  abort(): void;
  _exit(code: number): void;
} = {
  open: libc.func('int open(const char *path, int flags, int mode)'),
  close: libc.func('int close(int fd)'),
  setns: libc.func('int setns(int fd, int kind)'),
  unshare: libc.func('int unshare(int flags)'),
  mount: libc.func(
    'int mount(const char *source, const char *target, const char *type, ulong flags, void *data)',
  ),
  umount2: libc.func('int umount2(const char *target, int flags)'),
  flock: libc.func('int flock(int fd, int operation)'),
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const uint8_t *address, uint32_t length)'),
  connect: libc.func('int connect(int fd, const uint8_t *address, uint32_t length)'),
  listen: libc.func('int listen(int fd, int backlog)'),
  send: libc.func('int64_t send(int fd, const uint8_t *bytes, size_t length, int flags)'),
  recv: libc.func('int64_t recv(int fd, uint8_t *bytes, size_t length, int flags)'),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)'),
  getsockopt: libc.func('int getsockopt(int fd, int level, int name, uint8_t *value, uint32_t *length)'),
  setFilter: libc.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(sockProgram), 'uint32_t']),
  if_nametoindex: libc.func('uint32_t if_nametoindex(const char *name)'),
  strerror: libc.func('const char *strerror(int errnum)'),
  abort: libc.func('void abort()'),
  _exit: libc.func('void _exit(int code)'),
};

/**
 * EOPNOTSUPP and EAGAIN have a second name with the same number. The names kept here are those in the kernel's sources.
 */
const errnoNames: ReadonlyMap<number, string> = new Map(
  Object.entries(koffi.os.errno)
    .filter(([name]) => name !== 'ENOTSUP' && name !== 'EWOULDBLOCK' && name !== 'EDEADLOCK')
    .map(([name, number]) => [number, name]),
);

/** An errno's name and text: `EEXIST`, `File exists`. */
export function describeErrno(errno: number): { errno: string; words: string } {
  return { errno: errnoNames.get(errno) ?? `E${errno}`, words: c.strerror(errno) };
}

/** The result of a call. Throws the error if the result is −1. */
function checked(result: number, doing: string, subject: string): number {
  if (result >= 0) return result;
  throw refusal({ doing, subject, ...describeErrno(koffi.errno()) });
}

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;

/** Opens for reading without waiting for a writer of a FIFO. Child processes do not inherit the descriptor. */
export function openForReading(path: string): number {
  return checked(c.open(path, O_CLOEXEC | O_NONBLOCK, 0), `open ${path}`, path);
}

/** Opens or creates a file with mode 0600 for reading and writing. */
export function openForLocking(path: string): number {
  const O_RDWR = 2;
  const O_CREAT = 0o100;
  return checked(c.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600), `open ${path}`, path);
}

export function closeFd(fd: number): void {
  checked(c.close(fd), `close descriptor ${fd}`, `descriptor ${fd}`);
}

/**
 * Closes on a thread of libuv's pool, for descriptors whose close(2) waits in the kernel. The descriptor is closed in
 * any case.
 */
export function closeFdElsewhere(fd: number): void {
  c.close.async(fd, () => {});
}

const CLONE_NEWNET = 0x40000000;

/** setns(2): moves the calling thread into the network namespace `fd`. */
export function enterNetworkNamespace(fd: number, name: string): void {
  checked(c.setns(fd, CLONE_NEWNET), `enter network namespace ${name}`, `network namespace ${name}`);
}

/** unshare(2): moves the calling thread into a new network namespace. */
export function unshareNetworkNamespace(): void {
  checked(c.unshare(CLONE_NEWNET), 'make a network namespace', 'network namespace');
}

/** Ends the process at once with SIGABRT. */
export function abortProcess(): never {
  c.abort();
  throw new Error('abort(3) returned');
}

/**
 * _exit(2): ends the process with all its threads. Node's normal exit first joins the threads of libuv's pool. A thread
 * that waits for a file system that never answers would keep the process for ever.
 */
export function exitAtOnce(code: number): never {
  c._exit(code);
  throw new Error('_exit(2) returned');
}

export function bindMount(source: string, target: string): void {
  const MS_BIND = 4096;
  checked(c.mount(source, target, null, MS_BIND, null), `mount ${source} on ${target}`, target);
}

/** Hides the mount at once. It is unmounted after its last user has ended (MNT_DETACH). */
export function detachMount(target: string): void {
  const MNT_DETACH = 2;
  checked(c.umount2(target, MNT_DETACH), `unmount ${target}`, target);
}

/** flock(2), exclusive, without waiting. Returns false if another holder has the lock. */
export function tryLock(fd: number, path: string): boolean {
  const LOCK_EX_NB = 2 | 4;
  if (c.flock(fd, LOCK_EX_NB) === 0) return true;
  if (koffi.errno() === koffi.os.errno.EAGAIN) return false;
  checked(-1, `lock ${path}`, path);
  return false;
}

/** A non-blocking socket that child processes do not inherit. */
export function openSocket(domain: number, type: number, protocol: number, subject: string): number {
  return checked(c.socket(domain, type | O_CLOEXEC | O_NONBLOCK, protocol), `open ${subject}`, subject);
}

export function bindSocket(fd: number, address: Uint8Array, subject: string): void {
  checked(c.bind(fd, address, address.length), `bind ${subject}`, subject);
}

export function connectSocket(fd: number, address: Uint8Array, subject: string): void {
  checked(c.connect(fd, address, address.length), `connect ${subject}`, subject);
}

export function listenSocket(fd: number, backlog: number, subject: string): void {
  checked(c.listen(fd, backlog), `listen on ${subject}`, subject);
}

/** Sends all bytes as one datagram. */
export function sendDatagram(fd: number, bytes: Uint8Array, subject: string): void {
  const sent = checked(c.send(fd, bytes, bytes.length, 0), `send to ${subject}`, subject);
  if (sent !== bytes.length) throw new RangeError(`${subject} took ${sent} of ${bytes.length} bytes`);
}

/** Like {@link sendDatagram}, on a thread of libuv's pool: route netlink does its work before send(2) returns. */
export function sendDatagramElsewhere(fd: number, bytes: Uint8Array, subject: string): Promise<void> {
  return new Promise((resolve, reject) => {
    c.send.async(fd, bytes, bytes.length, 0, (error, sent) => {
      // errno belongs to the other thread and is lost.
      const words = error?.message ?? `only ${sent} of ${bytes.length} bytes were sent`;
      if (error === null && sent === bytes.length) resolve();
      else reject(refusal({ doing: `send to ${subject}`, subject, errno: 'EIO', words }));
    });
  });
}

const MSG_PEEK = 2;
const MSG_TRUNC = 0x20;

/** Receives one datagram and returns its full length, which may exceed the buffer's. Undefined if none waits. */
export function receiveDatagram(fd: number, buffer: Uint8Array, subject: string): number | undefined {
  return received(c.recv(fd, buffer, buffer.length, MSG_TRUNC), subject);
}

/** The length of the next datagram, which stays in the queue. */
export function peekDatagramLength(fd: number, subject: string): number | undefined {
  return received(c.recv(fd, new Uint8Array(0), 0, MSG_PEEK | MSG_TRUNC), subject);
}

function received(length: number, subject: string): number | undefined {
  if (length >= 0) return length;
  if (koffi.errno() === koffi.os.errno.EAGAIN) return undefined;
  return checked(-1, `receive from ${subject}`, subject);
}

export function setSocketOption(fd: number, level: number, name: number, value: Uint8Array | number): void {
  const bytes = typeof value === 'number' ? new Uint8Array(Int32Array.of(value).buffer) : value;
  const subject = `socket option ${level}/${name}`;
  checked(c.setsockopt(fd, level, name, bytes, bytes.length), `set ${subject}`, subject);
}

/** The option's value, at most `length` bytes. */
export function getSocketOption(fd: number, level: number, name: number, length: number): Uint8Array {
  const value = new Uint8Array(length);
  const size = Uint32Array.of(length);
  const subject = `socket option ${level}/${name}`;
  checked(c.getsockopt(fd, level, name, value, size), `get ${subject}`, subject);
  return value.subarray(0, size[0]);
}

/** SO_ATTACH_FILTER: the socket receives only what the program keeps. */
export function attachFilter(fd: number, filter: readonly FilterInstruction[]): void {
  const SOL_SOCKET = 1;
  const SO_ATTACH_FILTER = 26;
  const program = { length: filter.length, filter };
  const result = c.setFilter(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, koffi.sizeof(sockProgram));
  checked(result, 'attach a socket filter', 'socket filter');
}

/** The index of an interface in the calling thread's namespace. */
export function interfaceIndex(name: string): number {
  const index = c.if_nametoindex(name);
  return index > 0 ? index : checked(-1, `find interface ${name}`, `link ${name}`);
}
