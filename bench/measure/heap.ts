import { once } from 'node:events';
import WebSocket from 'ws';

/** Bytes of a process' heap that are in use after a collection, asked of its debugger. */
export async function heapBytes(debuggerUrl: string): Promise<number> {
  const socket = new WebSocket(debuggerUrl);
  await once(socket, 'open');
  let id = 0;
  const ask = async (method: string): Promise<{ usedSize?: number }> => {
    const wanted = ++id;
    socket.send(JSON.stringify({ id: wanted, method }));
    for (;;) {
      const [data] = await once(socket, 'message');
      const answer = JSON.parse(String(data)) as { id?: number; result: { usedSize?: number } };
      if (answer.id === wanted) return answer.result;
    }
  };
  try {
    // Twice: what the first collection finalises, the second frees.
    await ask('HeapProfiler.collectGarbage');
    await ask('HeapProfiler.collectGarbage');
    return (await ask('Runtime.getHeapUsage')).usedSize ?? Number.NaN;
  } finally {
    socket.close();
  }
}
