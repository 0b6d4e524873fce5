/**
 * What the demo rooms hold. `replyTo` is the index of an earlier message of the room.
 * The last room is the mark of a finished run: it is made by a user who is in it, and has a name.
 */
export const DEMO_ROOMS = [
  {
    key: 'dave-erin',
    by: 'dave',
    members: ['erin'],
    data: { type: 'OneToOneChat' },
    messages: [
      { by: 'dave', text: 'Did the parcel arrive?' },
      { by: 'erin', text: 'Yes, this morning. Thank you!' },
    ],
  },
  {
    key: 'coffee',
    by: 'bob',
    members: ['dave'],
    data: {
      type: 'Channel',
      name: 'Coffee corner',
      description: 'Beans, grinders and where to find a good cup.',
      extra_fields: { is_public: true },
    },
    messages: [
      { by: 'bob', text: 'This week: a light roast from Huila. Sweet, a little citrus.' },
      { by: 'bob', text: 'Grind it <b>coarse</b> if you brew in a press.', reactions: { dave: '☕' } },
    ],
  },
  {
    key: 'announcements',
    by: 'alice',
    members: ['bob', 'carol', 'dave', 'erin', 'frank'],
    data: {
      type: 'Channel',
      name: 'Announcements',
      description: 'News for everyone. Only moderators write here.',
      extra_fields: { is_public: true },
    },
    messages: [
      {
        by: 'alice',
        text: 'Welcome! You can start a chat, a group or a channel with the button above the room list.',
        reactions: { bob: '👍', carol: '🎉', frank: '👍' },
      },
    ],
  },
  {
    key: 'book-club',
    by: 'erin',
    members: ['alice', 'carol', 'frank'],
    data: { type: 'GroupChat', name: 'Book club', description: 'One book a month.' },
    messages: [
      { by: 'erin', text: 'Which book for December?' },
      {
        by: 'frank',
        text: 'Something short, please. November was 900 pages.',
        reactions: { alice: '😂', carol: '😂' },
      },
      { by: 'carol', text: 'How about "The Summer Book"?', replyTo: 0 },
    ],
  },
  {
    key: 'alice-carol',
    by: 'carol',
    members: ['alice'],
    data: { type: 'OneToOneChat' },
    messages: [{ by: 'carol', text: 'Can you send me the photos from Sunday?' }],
  },
  {
    key: 'alice-bob',
    by: 'alice',
    members: ['bob'],
    data: { type: 'OneToOneChat' },
    messages: [
      { by: 'alice', text: 'Are we still on for lunch?' },
      { by: 'bob', text: 'Yes! Half past twelve, the usual place.', reactions: { alice: '👍' } },
      { by: 'bob', text: 'I may be five minutes late.' },
    ],
  },
  {
    key: 'trip',
    by: 'alice',
    members: ['bob', 'carol', 'dave'],
    data: { type: 'GroupChat', name: 'Weekend trip', description: 'Where to, and who drives?' },
    messages: [
      { by: 'alice', text: 'Who is in for the lake on Saturday?' },
      { by: 'bob', text: 'Me. I can drive, three seats left.', reactions: { alice: '❤️', dave: '👍' } },
      { by: 'carol', text: 'I am in too, if we are back by eight.', replyTo: 0 },
      { by: 'dave', text: 'I bring the grill & the charcoal 🔥' },
      {
        by: 'alice',
        text: 'Then it is <b>Saturday, 9:30</b>, in front of the station.',
        reactions: { bob: '👍', carol: '👍' },
      },
    ],
  },
];
