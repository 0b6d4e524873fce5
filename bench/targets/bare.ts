import { join } from 'node:path';
import { startProcess } from '../../test/helpers/processes.js';
import { debuggerIn, inspect, nameWorld } from './fill.js';
import type { Surroundings, Target, TargetOptions } from './target.js';

/** The bare `ws` server; with `preframed` it writes past `ws`. */
export async function startBare(
  { built }: Surroundings,
  options: TargetOptions = {},
  preframed = false,
): Promise<Target> {
  const server = startProcess(process.execPath, [join(built, 'bench/servers/bare.js')], {
    env: { PREFRAMED: preframed ? '1' : '0', ...inspect(options) },
  });
  const [, port] = await server.waitFor(/listening on (\d+)/);
  let users = 0;
  return {
    name: preframed ? 'pre-framed ws' : 'bare ws',
    protocol: 'bare',
    ports: [Number(port)],
    processes: { server: server.pid },
    async fill(plan) {
      const world = await nameWorld(plan, users + 1);
      users += plan.users;
      return world;
    },
    fillMessages: async () => [],
    debuggerOf: () => debuggerIn(server),
    countMessages: async () => undefined,
    stop: () => server.stop(),
  };
}
