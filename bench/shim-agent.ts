// The least an agent can be, in a process of its own: answers every request with success. node bench/shim-agent.ts SOCKET

import { createServer } from 'node:net';

const answer = Buffer.from('OWCNI 1\nexit 1\n0\nstdout 0\n\nlog 0\n\nend 0\n\n');
const server = createServer((socket) => {
  // The requests of this benchmark fit in one piece.
  socket.once('data', () => socket.end(answer));
});
server.listen(process.argv[2], () => console.log('ready'));
