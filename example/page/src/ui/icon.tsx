/** Line icons on a grid of 20, drawn with the text's colour. */
const paths = {
  back: 'M12.5 4.5 7 10l5.5 5.5',
  chevron: 'm5.5 8 4.5 4.5L14.5 8',
  close: 'm5 5 10 10M15 5 5 15',
  compass: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM12.8 7.2l-1.6 4-4 1.6 1.6-4z',
  compose:
    'M9 4H5.5A1.5 1.5 0 0 0 4 5.5v9A1.5 1.5 0 0 0 5.5 16h9a1.5 1.5 0 0 0 1.5-1.5V11M8 12l.5-2.5L14.5 3.5l2 2-6 6z',
  details: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM10 9.3v4.2M10 6.5v.1',
  down: 'M10 4v12m-5-5 5 5 5-5',
  edit: 'm4 16 .7-3.2L13 4.5a1.4 1.4 0 0 1 2 0l.5.5a1.4 1.4 0 0 1 0 2L7.2 15.3z',
  file: 'M6 2.5h5.5l4 4v11H6zM11.5 2.5v4h4',
  forward: 'm11.5 5 5 4.5-5 4.5v-2.8C7.5 11.2 5 12.5 3.5 15c.3-4 2.7-7 8-7.3z',
  group:
    'M7.5 9.5a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM2.5 16c.3-2.8 2.2-4.3 5-4.3s4.7 1.5 5 4.3M12.8 4.2a2.7 2.7 0 0 1 0 5M14.5 12c1.8.5 2.8 1.9 3 4',
  lock: 'M5.5 9h9v7.5h-9zM7.2 9V6.5a2.8 2.8 0 0 1 5.6 0V9',
  more: 'M4.5 10h.1M10 10h.1M15.5 10h.1',
  person: 'M10 9.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4ZM3.8 16.5c.4-3.2 2.8-5 6.2-5s5.8 1.8 6.2 5',
  plus: 'M10 4v12M4 10h12',
  channel: 'M8 3 6.5 17M13.5 3 12 17M3.5 7.2h13.5M3 12.8h13.5',
  react: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM7.2 8v.1M12.8 8v.1M6.8 11.7c.7 1.3 1.8 2 3.2 2s2.5-.7 3.2-2',
  reply: 'M8.5 5 3.5 9.5l5 4.5v-2.8c4 0 6.5 1.3 8 3.8-.3-4-2.7-7-8-7.3z',
  search: 'M8.8 14.5a5.7 5.7 0 1 0 0-11.4 5.7 5.7 0 0 0 0 11.4ZM13 13l4 4',
  send: 'M3.5 10 3 3.5 17.5 10 3 16.5zM3.5 10H10',
  trash: 'M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11M8.5 8.5v5M11.5 8.5v5',
  attach: 'm15.5 9.5-5.7 5.7a3.5 3.5 0 0 1-5-5l6.2-6.2a2.3 2.3 0 0 1 3.3 3.3l-6.1 6.1a1.1 1.1 0 0 1-1.7-1.6l5.4-5.4',
  play: 'M7 4.5v11l9-5.5z',
  sound: 'M8 15V5l8-1.5v10M8 15a2.2 2.2 0 1 1-4.4 0A2.2 2.2 0 0 1 8 15Zm8-1.5a2.2 2.2 0 1 1-4.4 0 2.2 2.2 0 0 1 4.4 0Z',
  clock: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM10 6v4.2l2.7 1.6',
  sent: 'm4.5 10.5 3.5 3.5 7.5-8',
  delivered: 'm2 10.5 3.5 3.5L13 6M10 13l1 1 7-8',
  failed: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM10 6v5M10 13.7v.1',
} as const;

/** A name of an icon. */
export type IconName = keyof typeof paths;

/** An icon. It says nothing to a screen reader: what it stands in does. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
