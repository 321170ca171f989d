import Table from 'cli-table3';
import stringWidth from 'string-width';
import type { Output } from './output.ts';
import { visible } from './sanitise.ts';

export interface Column<Row> {
  readonly header: string;
  readonly align?: 'left' | 'right';
  /** Plain text of the cell; made safe here. */
  readonly cell: (row: Row) => string;
  /** Colour only, applied to the finished cell on a terminal. */
  readonly paint?: (text: string, row: Row) => string;
}

// cli-table3 measures the whole table for every row: 10,000 rows at once take seconds, in chunks they do not.
const rowsADrawing = 100;
const gap = '  ';
const narrowest = 8;

const borderless = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: gap,
};

/** A table on a terminal fits its width (wide text is cut with an ellipsis); piped it is plain, aligned and complete. */
export async function printTable<Row>(
  output: Output,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const cells = cellsOf(columns, rows);
  const widths = widthsOf(columns, cells);
  if (!output.data.isTerminal) return drawPlain(output, columns, cells, widths);
  const options = drawingOptions(columns, fit(widths, output.data.columns));
  await output.print(headText(output, columns, options));
  for (const drawing of drawings(columns, rows, cells, options)) await output.print(drawing);
}

function cellsOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[][] {
  return rows.map((row) => columns.map((column) => visible(column.cell(row))));
}

function widthsOf<Row>(columns: readonly Column<Row>[], cells: readonly (readonly string[])[]): number[] {
  return columns.map((column, index) =>
    cells.reduce(
      (widest, row) => Math.max(widest, stringWidth(row[index] ?? '')),
      stringWidth(column.header),
    ),
  );
}

/** The rows as lines that fit the width, the head first: for a screen that is redrawn. */
export function tableLines<Row>(
  output: Output,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): string[] {
  const cells = cellsOf(columns, rows);
  const options = drawingOptions(columns, fit(widthsOf(columns, cells), width));
  const parts = [headText(output, columns, options), ...drawings(columns, rows, cells, options)];
  return parts.flatMap((part) => part.split('\n'));
}

type DrawingOptions = ReturnType<typeof drawingOptions>;

function drawingOptions<Row>(columns: readonly Column<Row>[], widths: readonly number[]) {
  return {
    chars: borderless,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: [...widths],
    colAligns: columns.map((column) => column.align ?? 'left'),
  };
}

function headText<Row>(output: Output, columns: readonly Column<Row>[], options: DrawingOptions): string {
  const head = new Table(options);
  head.push(columns.map((column) => output.colour.bold(column.header)));
  return trimLines(head.toString());
}

function* drawings<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  cells: readonly (readonly string[])[],
  options: DrawingOptions,
): Generator<string> {
  for (let start = 0; start < rows.length; start += rowsADrawing) {
    const drawing = new Table(options);
    for (let index = start; index < Math.min(start + rowsADrawing, rows.length); index += 1) {
      const row = rows[index];
      if (row === undefined) break;
      drawing.push((cells[index] ?? []).map((cell, at) => columns[at]?.paint?.(cell, row) ?? cell));
    }
    yield trimLines(drawing.toString());
  }
}

async function drawPlain<Row>(
  output: Output,
  columns: readonly Column<Row>[],
  cells: readonly (readonly string[])[],
  widths: readonly number[],
): Promise<void> {
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => {
        const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - stringWidth(text)));
        return columns[index]?.align === 'right' ? padding + text : text + padding;
      })
      .join(gap)
      .trimEnd();
  await output.print(line(columns.map((column) => column.header)));
  for (let start = 0; start < cells.length; start += rowsADrawing) {
    await output.print(
      cells
        .slice(start, start + rowsADrawing)
        .map(line)
        .join('\n'),
    );
  }
}

/** Takes from the widest column until the line fits, but leaves each column readable. */
function fit(widths: readonly number[], terminalWidth: number): number[] {
  const fitted = [...widths];
  const room = terminalWidth - gap.length * (widths.length - 1);
  while (fitted.reduce((sum, width) => sum + width, 0) > room) {
    const widest = Math.max(...fitted);
    if (widest <= narrowest) break;
    fitted[fitted.indexOf(widest)] = widest - 1;
  }
  return fitted;
}

function trimLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
