import type { RoomShape } from 'express-realtime-chat/client';
import { useRoom } from 'express-realtime-chat/react';
import { useState } from 'react';
import { useAccount } from '../account/account.ts';
import { isAdmin } from '../conversation/rights.ts';
import { Icon } from '../ui/icon.tsx';
import { useNotices } from '../ui/notices.tsx';
import { AddPeopleDialog } from './add-people-dialog.tsx';
import { MemberRow } from './member-row.tsx';
import { useMoreMembers } from './use-more-members.ts';

/** Who is in the room. */
export function Members({ room }: { room: RoomShape }) {
  const { account } = useAccount();
  const { actions } = useRoom(room.id);
  const [isAdding, setIsAdding] = useState(false);
  const { attempt } = useNotices();
  const { members, hasMore, loadMore } = useMoreMembers(room, actions);
  const isDirect = room.type === 'OneToOneChat';
  const runsIt = isAdmin(room, account.user.id);
  return (
    <section className="details-section">
      <h3>
        {room.type === 'Channel' ? 'Subscribers' : 'Members'} · {room.member_count}
      </h3>
      {!isDirect && (
        <button type="button" className="button wide" onClick={() => setIsAdding(true)}>
          <Icon name="plus" />
          Add people
        </button>
      )}
      <ul className="members" aria-label="Members">
        {members.map((user) => (
          <MemberRow key={user.id} user={user} room={room} actions={actions} runsIt={runsIt} />
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="button wide" onClick={() => void attempt(loadMore)}>
          More members
        </button>
      )}
      {isAdding && <AddPeopleDialog room={room} onClose={() => setIsAdding(false)} />}
    </section>
  );
}
