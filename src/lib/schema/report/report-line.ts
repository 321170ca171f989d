/** Text for people, not yet made safe for a terminal: what shows it paints it, by what it is. */
export interface ReportLine {
  readonly kind: 'plain' | 'title' | 'good' | 'bad' | 'doubtful' | 'dim';
  readonly text: string;
}
