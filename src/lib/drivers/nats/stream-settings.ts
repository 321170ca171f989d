/** Settings of a stream by JetStream's own names, as text: durations as `24h`, sizes in bytes, lists with commas. */
import type { StreamConfig } from '@nats-io/jetstream';
import { UsageError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { millisecondsOf, nanosOf } from './nanoseconds.ts';

type Value = string | number | boolean | readonly string[];

interface Kind {
  readonly parse: (text: string) => Value | null;
  readonly show: (value: unknown) => string | null;
  /** What it takes, for errors. */
  readonly takes: string;
}

const choice = (...words: readonly string[]): Kind => ({
  parse: (text) => (words.includes(text) ? text : null),
  show: (value) => (typeof value === 'string' ? value : null),
  takes: words.join(' or '),
});

const flag: Kind = {
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : null),
  show: (value) => (typeof value === 'boolean' ? String(value) : null),
  takes: 'true or false',
};

const number: Kind = {
  parse: (text) => (/^(-1|\d{1,15})$/.test(text) ? Number(text) : null),
  show: (value) => (typeof value === 'number' ? String(value) : null),
  takes: 'a whole number (-1: no limit)',
};

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const duration: Kind = {
  parse(text) {
    if (text === '0') return 0;
    const parts = /^(\d{1,12})(ms|s|m|h|d)?$/.exec(text);
    const unit = units[parts?.[2] ?? 'ms'];
    return parts === null || unit === undefined ? null : nanosOf(Number(parts[1]) * unit);
  },
  show: (value) => (typeof value === 'number' ? durationText(millisecondsOf(value)) : null),
  takes: 'a duration such as 24h, or milliseconds (0: no limit)',
};

function durationText(milliseconds: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => milliseconds % (units[name] ?? 1) === 0);
  return unit === undefined || milliseconds === 0
    ? milliseconds === 0
      ? '0'
      : `${String(milliseconds)}ms`
    : `${String(milliseconds / (units[unit] ?? 1))}${unit}`;
}

const text: Kind = {
  parse: (value) => value,
  show: (value) => (typeof value === 'string' ? value : null),
  takes: 'text',
};

const list: Kind = {
  parse(value) {
    const items = value.split(',').map((item) => item.trim());
    return items.some((item) => item === '' || /\s/.test(item)) ? null : items;
  },
  show: (value) => (Array.isArray(value) ? value.map(String).join(',') : null),
  takes: 'subjects with commas between',
};

interface Setting {
  readonly kind: Kind;
  /** What holds where it was not said. */
  readonly usual: Value | null;
  /** Why it cannot be changed later; null: it can. */
  readonly fixed: string | null;
}

const always = (kind: Kind, usual: Value | null): Setting => ({ kind, usual, fixed: null });
const atFirst = (kind: Kind, usual: Value | null): Setting => ({
  kind,
  usual,
  fixed: 'NATS fixes it when the stream is made',
});

const settings: Readonly<Record<string, Setting>> = {
  subjects: always(list, null),
  description: always(text, null),
  retention: atFirst(choice('limits', 'interest', 'workqueue'), 'limits'),
  storage: atFirst(choice('file', 'memory'), 'file'),
  discard: always(choice('old', 'new'), 'old'),
  discard_new_per_subject: always(flag, false),
  max_msgs: always(number, -1),
  max_bytes: always(number, -1),
  max_age: always(duration, 0),
  max_msg_size: always(number, -1),
  max_msgs_per_subject: always(number, -1),
  max_consumers: atFirst(number, -1),
  duplicate_window: always(duration, 120e9),
  num_replicas: always(number, 1),
  allow_direct: always(flag, false),
  allow_rollup_hdrs: always(flag, false),
  allow_msg_ttl: always(flag, false),
  deny_delete: atFirst(flag, false),
  deny_purge: atFirst(flag, false),
  compression: always(choice('none', 's2'), 'none'),
};

/** Throws `UsageError`. */
export function settingNamed(name: string): Setting {
  const known = settings[name];
  if (known !== undefined && Object.hasOwn(settings, name)) return known;
  const meant = nearest(name, Object.keys(settings));
  throw new UsageError(`a stream of NATS has no setting "${name}"`, {
    hint: meant === null ? `known are ${Object.keys(settings).join(', ')}` : `did you mean "${meant}"?`,
  });
}

/** null: what holds where it was not said. Throws `UsageError`. */
export function parseSetting(name: string, value: string | null): Value | null {
  const { kind, usual } = settingNamed(name);
  if (value === null) return usual;
  const parsed = kind.parse(value);
  if (parsed !== null) return parsed;
  throw new UsageError(`${name} takes ${kind.takes}, not "${value}"`);
}

/** As it is set, in the same text that `parseSetting` takes; null: nothing. */
export function shownSetting(name: string, config: StreamConfig): string | null {
  return settingNamed(name).kind.show(new Map<string, unknown>(Object.entries(config)).get(name));
}

/** Whether it is what holds where it was not said. */
export function isUsual(name: string, config: StreamConfig): boolean {
  const { kind, usual } = settingNamed(name);
  return shownSetting(name, config) === (usual === null ? null : kind.show(usual));
}

const settingNames: readonly string[] = Object.keys(settings);

/** Those that differ from what is usual. */
export function ownSettings(config: StreamConfig): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const name of settingNames) {
    const value = shownSetting(name, config);
    if (value !== null && value !== '' && !isUsual(name, config)) shown[name] = value;
  }
  return shown;
}
