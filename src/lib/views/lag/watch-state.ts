/** What the keys of `lag --watch` do: pure. */
import type { Key } from '../../prompt/keys.ts';

const sortings = ['worst', 'lag', 'behind', 'name'] as const;

export interface WatchState {
  readonly sorting: (typeof sortings)[number];
  /** Part of a group's or channel's name. */
  readonly filter: string;
  /** What is typed goes into the filter. */
  readonly typing: boolean;
  readonly expanded: boolean;
  /** Rows that are scrolled over. */
  readonly top: number;
  readonly ended: boolean;
}

export const firstState: WatchState = {
  sorting: 'worst',
  filter: '',
  typing: false,
  expanded: false,
  top: 0,
  ended: false,
};

export const keyHelp = 's sort, f filter, p partitions, ↑↓ scroll, q quit';

/**
 * The state after one key. What has no meaning changes nothing; while the filter is typed, keys are its text. `mostTop`: how
 * many rows can be scrolled over until the last one shows.
 */
export function afterKey(state: WatchState, { name, text }: Key, mostTop: number): WatchState {
  if (state.typing) return afterTyping(state, { name, text });
  switch (name) {
    case 's':
      return {
        ...state,
        sorting: sortings[(sortings.indexOf(state.sorting) + 1) % sortings.length] ?? 'worst',
        top: 0,
      };
    case 'f':
    case '/':
      return { ...state, typing: true };
    case 'p':
      return { ...state, expanded: !state.expanded, top: 0 };
    case 'down':
      return { ...state, top: Math.min(mostTop, state.top + 1) };
    case 'up':
      return { ...state, top: Math.max(0, Math.min(mostTop, state.top) - 1) };
    case 'escape':
      return { ...state, filter: '', top: 0 };
    case 'q':
      return { ...state, ended: true };
    default:
      return state;
  }
}

function afterTyping(state: WatchState, { name, text }: Key): WatchState {
  if (name === 'return' || name === 'enter') return { ...state, typing: false };
  if (name === 'escape') return { ...state, typing: false, filter: '', top: 0 };
  if (name === 'backspace') return { ...state, filter: state.filter.slice(0, -1), top: 0 };
  return text === null ? state : { ...state, filter: state.filter + text, top: 0 };
}
