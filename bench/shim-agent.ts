// A minimal agent in its own process: it answers every request with success. node bench/shim-agent.ts SOCKET

import { createServer } from 'node:net';

const answer = Buffer.from('OWCNI 1\nexit 1\n0\nstdout 0\n\nlog 0\n\nend 0\n\n');
const server = createServer((socket) => {
  // Each request of this benchmark fits in one chunk.
  socket.once('data', () => socket.end(answer));
});
server.listen(process.argv[2], () => console.log('ready'));
