/**
 * The OpenMetrics text format (github.com/prometheus/OpenMetrics, specification 1.0), of gauges alone: what Prometheus' own
 * text format and its textfile collector read, too.
 */
export interface Gauge {
  /** Without a unit at its end: that is added. */
  readonly name: string;
  readonly unit: string | null;
  readonly help: string;
  readonly points: readonly {
    readonly labels: Readonly<Record<string, string>>;
    /** null: unknown, and left out. */
    readonly value: number | null;
  }[];
}

/** A whole exposition, with its end mark. */
export function openMetrics(gauges: readonly Gauge[]): string {
  return [...gauges.flatMap(family), '# EOF', ''].join('\n');
}

function family({ name, unit, help, points }: Gauge): string[] {
  const full = unit === null ? name : `${name}_${unit}`;
  const lines = points.flatMap(({ labels, value }) =>
    value === null ? [] : [`${full}${labelText(labels)} ${String(value)}`],
  );
  return [
    `# TYPE ${full} gauge`,
    ...(unit === null ? [] : [`# UNIT ${full} ${unit}`]),
    `# HELP ${full} ${escaped(help)}`,
    ...lines,
  ];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
