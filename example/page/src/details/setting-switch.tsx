import { startTransition, useOptimistic } from 'react';

/** A setting of the room. It shows the new value at once, and the old one again when the server refuses. */
export function SettingSwitch({
  label,
  isOn,
  onChange,
}: {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => Promise<unknown>;
}) {
  const [shown, show] = useOptimistic(isOn);
  return (
    <label className="switch">
      {label}
      <input
        type="checkbox"
        checked={shown}
        onChange={({ target: { checked } }) =>
          startTransition(async () => {
            show(checked);
            await onChange(checked);
          })
        }
      />
    </label>
  );
}
