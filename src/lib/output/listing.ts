import { csvLine } from './csv.ts';
import type { Output } from './output.ts';
import { printTable, type Column } from './table.ts';

export const listingFormats = ['table', 'json', 'ndjson', 'csv'] as const;
export type ListingFormat = (typeof listingFormats)[number];

export interface Listing<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** The JSON document's shape for a row; also the names of the CSV columns. */
  readonly record: (row: Row) => Readonly<Record<string, unknown>>;
  /** The whole JSON document. */
  readonly document: (records: readonly Readonly<Record<string, unknown>>[]) => unknown;
  /** Said on stderr when there are no rows. */
  readonly empty: string;
}

/** The same rows as a table, one JSON document, JSON lines or CSV. */
export async function printListing<Row>(
  output: Output,
  format: ListingFormat,
  listing: Listing<Row>,
): Promise<void> {
  switch (format) {
    case 'json':
      return output.printJson(listing.document(listing.rows.map(listing.record)));
    case 'ndjson':
      for (const row of listing.rows) await output.print(JSON.stringify(listing.record(row)));
      return;
    case 'csv':
      return printCsv(output, listing.rows.map(listing.record));
    case 'table':
      if (listing.rows.length === 0) output.note(listing.empty);
      return printTable(output, listing.columns, listing.rows);
  }
}

async function printCsv(
  output: Output,
  records: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const first = records[0];
  if (first === undefined) return;
  const names = Object.keys(first);
  await output.print(csvLine(names));
  for (const record of records) await output.print(csvLine(names.map((name) => record[name])));
}
