/** `maxBufferedBytes` at its edge: what waits unsent for a client that does not read. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SocketWriter } from '../../src/gateway/socket-writer.js';

const LIMIT = 1000;

/** A socket and its stream, whose unsent bytes a test sets. */
function writer() {
  const socket = { bufferedAmount: 0, readyState: 1 };
  const stream = { cork: vi.fn(), uncork: vi.fn(), write: vi.fn() };
  const tooSlow = vi.fn(() => {
    socket.readyState = 2;
  });
  return { socket, stream, tooSlow, writer: new SocketWriter(socket as never, stream as never, LIMIT, tooSlow) };
}

/** Writes while so many bytes wait. */
function writeAt(one: ReturnType<typeof writer>, waiting: number): void {
  one.socket.bufferedAmount = waiting;
  one.writer.write(Buffer.from('frame'));
}

describe('a client whose unsent bytes', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('stay at the limit may go on so for ever', () => {
    const one = writer();
    writeAt(one, LIMIT);
    vi.advanceTimersByTime(60_000);
    expect(one.tooSlow).not.toHaveBeenCalled();
  });

  it('are over the limit for five seconds is too slow, and not before', () => {
    const one = writer();
    writeAt(one, LIMIT + 1);
    vi.advanceTimersByTime(4999);
    expect(one.tooSlow).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(one.tooSlow).toHaveBeenCalledOnce();
    writeAt(one, LIMIT + 1);
    expect(one.stream.write).toHaveBeenCalledOnce();
  });

  it('went below the limit meanwhile has its five seconds again', () => {
    const one = writer();
    writeAt(one, LIMIT + 1);
    vi.advanceTimersByTime(4000);
    writeAt(one, LIMIT);
    writeAt(one, LIMIT + 1);
    vi.advanceTimersByTime(4000);
    expect(one.tooSlow).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(one.tooSlow).toHaveBeenCalledOnce();
  });

  it('pass four times the limit is too slow at once; at four times it is not', () => {
    const one = writer();
    writeAt(one, LIMIT * 4);
    expect(one.tooSlow).not.toHaveBeenCalled();
    writeAt(one, LIMIT * 4 + 1);
    expect(one.tooSlow).toHaveBeenCalledOnce();
    one.writer.stop();
  });

  it('are over half of the limit is spared what may be lost', () => {
    const one = writer();
    one.socket.bufferedAmount = LIMIT / 2;
    expect(one.writer.isCongested).toBe(false);
    one.socket.bufferedAmount += 1;
    expect(one.writer.isCongested).toBe(true);
  });
});
