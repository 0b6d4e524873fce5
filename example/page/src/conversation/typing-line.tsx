import { useTyping } from 'express-realtime-chat/react';

/** Who is writing. The line is always there, so that nothing moves. */
export function TypingLine({ roomId }: { roomId: string }) {
  const { typists } = useTyping(roomId);
  const names = typists.map(({ username }) => username ?? 'Somebody');
  return (
    <p className="typing" aria-live="polite">
      {names.length > 0 && (
        <>
          <span className="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {sentence(names)}
        </>
      )}
    </p>
  );
}

function sentence([first, second, ...others]: string[]): string {
  if (second === undefined) return `${first} is typing`;
  if (others.length === 0) return `${first} and ${second} are typing`;
  return `${first}, ${second} and ${others.length} more are typing`;
}
