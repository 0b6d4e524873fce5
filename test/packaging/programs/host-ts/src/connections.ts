import { ChatConnection } from 'express-realtime-chat';

export class CustomConnection extends ChatConnection {
  static readonly limit = 5;
  private connectedAt = 0;
  private timestamps: number[] = [];

  override async connect(): Promise<void> {
    await super.connect();
    this.connectedAt = Date.now();
    this.logger.info(`User ${(this.user as { username: string }).username} connected`);
  }
  override async disconnect(code: number): Promise<void> {
    if (this.connectedAt)
      console.log(
        `User ${(this.user as { username: string }).username} disconnected after ${Date.now() - this.connectedAt} ms`,
      );
    await super.disconnect(code);
  }
  override async receive(text: string | Buffer): Promise<void> {
    const data = JSON.parse(String(text));
    if (data.event_type === 'chat.say' && !this.checkRate()) {
      this.sendError({ code: 4029, detail: 'Rate limit exceeded' });
      return;
    }
    await super.receive(text);
  }
  private checkRate(): boolean {
    const now = Date.now();
    this.timestamps = this.timestamps.filter((time) => time > now - 60_000);
    if (this.timestamps.length >= CustomConnection.limit) return false;
    this.timestamps.push(now);
    return true;
  }
}
