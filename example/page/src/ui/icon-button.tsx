import type { ComponentProps } from 'react';
import { Icon, type IconName } from './icon.tsx';

/** A button that is an icon; `label` is its name, and shown as a hint. */
export function IconButton({
  icon,
  label,
  className = '',
  ...rest
}: { icon: IconName; label: string } & ComponentProps<'button'>) {
  return (
    <button type="button" className={`icon-button ${className}`} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
}
