import type { ConnectionState } from 'express-realtime-chat/client';
import { useConnection } from 'express-realtime-chat/react';

const sentences: Record<ConnectionState, string> = {
  connecting: 'Connecting…',
  online: 'Online',
  reconnecting: 'Connection lost. Reconnecting…',
  offline: 'You are offline. What you write is sent when you are back.',
  unauthenticated: 'Your session has ended.',
  closed: 'Not connected.',
};

/** Says when the chat is not connected; lies over the page, so that nothing moves when it comes and goes. */
export function ConnectionStatus() {
  const { state } = useConnection();
  return (
    <div className="connection" role="status" aria-label="Connection" data-state={state}>
      {sentences[state]}
    </div>
  );
}
