// The whole house in small while the map is zoomed in, with the part that the map shows. A tap there moves the map.

import type { House } from './house.ts';
import { tierColour } from './palette.ts';
import { bentAt, type Frame } from './where.ts';

/** A block with its bent rows: a parabola, and so exactly one quadratic curve above and one below. */
function outline(house: House, { x, y, cols, rows }: House['blocks'][number]): string {
  const [left, right, middle] = [x, x + cols, x + cols / 2];
  const slope = (at: number) => (-4 * house.bend * ((2 * at) / house.width - 1)) / house.width;
  const edge = (at: number, top: number) => top - bentAt(house, at);
  const control = (from: number, top: number) => edge(from, top) + slope(from) * (middle - from);
  return (
    `M${left} ${edge(left, y)}Q${middle} ${control(left, y)} ${right} ${edge(right, y)}` +
    `V${edge(right, y + rows)}Q${middle} ${control(right, y + rows)} ${left} ${edge(left, y + rows)}Z`
  );
}

export function Overview({ house, frame, onGo }: { house: House; frame: Frame; onGo(at: { x: number; y: number }): void }) {
  const { width, height, blocks, prices, stage } = house;
  const [left, top] = [Math.max(0, frame.left), Math.max(0, frame.top)];
  const go = (event: MouseEvent & { currentTarget: Element }) => {
    const box = event.currentTarget.getBoundingClientRect();
    onGo({ x: ((event.clientX - box.left) / box.width) * width, y: ((event.clientY - box.top) / box.height) * height });
  };
  return (
    <svg
      class="seatmap-overview"
      aria-hidden="true"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      style={{ aspectRatio: String(Math.min(4, Math.max(0.5, width / height))) }}
      onClick={go}
    >
      <rect class="seatmap-overview-stage" x={width * 0.2} width={width * 0.6} height={stage} />
      {blocks.map((block) => (
        <path key={block.name} d={outline(house, block)} style={{ fill: `var(--seat-${tierColour(block.tier, prices.length)})` }} />
      ))}
      <rect
        class="seatmap-overview-frame"
        x={left}
        y={top}
        width={Math.max(0, Math.min(width, frame.right) - left)}
        height={Math.max(0, Math.min(height, frame.bottom) - top)}
      />
    </svg>
  );
}
