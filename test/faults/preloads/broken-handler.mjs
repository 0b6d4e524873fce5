/**
 * Preloaded by tests: the worker's event handler is broken the way a host's override can be. What a message says is
 * what it does.
 */
const { EventHandler } = await import('../../../dist/src/handlers/event-handler.js');

const original = EventHandler.prototype._createMessage;
EventHandler.prototype._createMessage = async function (data, ...rest) {
  switch (data.content) {
    case 'throw':
      throw new Error('a secret of the host');
    case 'reject late':
      await new Promise((resolve) => setTimeout(resolve, 1500));
      throw new Error('a secret of the host');
    case 'never settle':
      return new Promise(() => {});
    case 'block': {
      // Past the lock of its job.
      const end = performance.now() + 7000;
      while (performance.now() < end);
      break;
    }
  }
  return original.call(this, data, ...rest);
};
