/** WebSocket frames by hand: a load generator that parsed each would measure itself. */

/** Opcodes of the frames that are looked at. */
export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** What `FrameReader` tells: the frame's payload is `bytes` from `start` to `end`, good until the call returns. */
export type OnFrame = (opcode: number, bytes: Buffer, start: number, end: number) => void;

/** Cuts what a server sends into frames, without copying those that came whole. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #rest: Buffer | undefined;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Takes bytes as they came; they may be overwritten afterwards. */
  push(chunk: Buffer): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      if (left < 2) break;
      const short = bytes[at + 1]! & 0x7f;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (left < head) break;
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUIntBE(at + 4, 6);
      if (left < head + length) break;
      this.#onFrame(bytes[at]! & 0x0f, bytes, at + head, at + head + length);
      at += head + length;
    }
    this.#rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : undefined;
  }
}

/** One frame of a client. The mask is four zeros, which is a mask like any other to the server. */
export function clientFrame(payload: string, opcode: number = opcodes.text): Buffer {
  const length = Buffer.byteLength(payload);
  const head = length < 126 ? 6 : 8;
  if (length > 65_535) throw new Error('The load generator sends no frames that long.');
  const frame = Buffer.alloc(head + length);
  frame[0] = 0x80 | opcode;
  if (length < 126) frame[1] = 0x80 | length;
  else {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  }
  frame.write(payload, head);
  return frame;
}
