/** One line as monitoring plugins write it (Monitoring Plugins development guidelines, "Plugin Output", "Performance data"). */
export const nagiosStates = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/** Its place in the list is the plugin's exit code. */
export type NagiosState = (typeof nagiosStates)[number];

export interface PerformanceDatum {
  readonly label: string;
  /** null: unknown. */
  readonly value: number | null;
  /** `s`, or nothing for a count. */
  readonly unit: '' | 's';
  readonly warn: number | null;
  readonly critical: number | null;
}

/** The line of a plugin by Nagios' guidelines: state and text, then the performance data behind a bar. */
export function nagiosLine(
  service: string,
  state: NagiosState,
  text: string,
  data: readonly PerformanceDatum[],
): string {
  const words = `${service} ${state} - ${text.replaceAll('|', '/').replaceAll(/\s+/g, ' ')}`;
  return data.length === 0 ? words : `${words} | ${data.map(datum).join(' ')}`;
}

/** `'label'=value[unit];warn;critical;minimum`; `U` is a value that could not be determined. */
function datum({ label, value, unit, warn, critical }: PerformanceDatum): string {
  const name = label.replaceAll("'", "''").replaceAll('=', '_').replaceAll(/\s/g, ' ');
  const limit = (number: number | null): string => (number === null ? '' : String(number));
  return `'${name}'=${value === null ? 'U' : `${String(value)}${unit}`};${limit(warn)};${limit(critical)};0`;
}
