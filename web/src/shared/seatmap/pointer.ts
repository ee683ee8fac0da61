// Mouse, pen and fingers on the seat map: tap, drag, pinch, and the wheel with Ctrl (a plain wheel scrolls the page).

import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type SeatCanvas, TAPPABLE_PX } from './canvas.ts';

interface Gestures {
  tap(index: number): void;
  hover(at: { index: number; x: number; y: number } | null): void;
}

/** A finger that moves less than this was meant to tap. */
const SLOP_PX = 7;

interface Point {
  x: number;
  y: number;
}

export function usePointer(canvas: RefObject<HTMLCanvasElement | null>, drawing: SeatCanvas | null, gestures: Gestures): void {
  const latest = useRef(gestures);
  latest.current = gestures;
  useEffect(() => {
    const element = canvas.current;
    if (element === null || drawing === null) return undefined;
    const stop = new AbortController();
    attach(element, drawing, latest, stop.signal);
    return () => stop.abort();
  }, [drawing]);
}

function attach(element: HTMLCanvasElement, drawing: SeatCanvas, latest: { current: Gestures }, signal: AbortSignal) {
  const down = new Map<number, Point>();
  let travelled = 0;
  const place = (event: MouseEvent): Point => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const listen = <K extends keyof HTMLElementEventMap>(
    name: K,
    handler: (event: HTMLElementEventMap[K]) => void,
    passive = true,
  ) => element.addEventListener(name, handler, { signal, passive });

  const spread = () => {
    const [a, b] = [...down.values()];
    return a === undefined || b === undefined ? 0 : Math.hypot(a.x - b.x, a.y - b.y);
  };
  // While the whole house is in view one finger scrolls the page; zoomed in, it moves the map.
  const viewChanged = () => {
    element.style.touchAction = drawing.zoomed ? 'none' : 'pan-y';
    // What was under the pointer is somewhere else now.
    leave();
  };
  const leave = () => {
    element.style.cursor = '';
    latest.current.hover(null);
  };
  signal.addEventListener('abort', drawing.watch(viewChanged));
  window.addEventListener('scroll', leave, { signal, passive: true });
  window.addEventListener('blur', leave, { signal });

  listen('pointerdown', (event) => {
    // The other buttons open menus, and their release is not always told.
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    if (down.size === 1) travelled = 0;
    else travelled = Infinity;
    leave();
  });
  listen('pointermove', (event) => {
    if (event.buttons === 0) down.delete(event.pointerId);
    const to = place(event);
    const from = down.get(event.pointerId);
    if (from === undefined) {
      const index = event.pointerType === 'mouse' ? drawing.hit(to.x, to.y) : null;
      element.style.cursor = index === null ? '' : 'pointer';
      latest.current.hover(index === null ? null : { index, ...to });
      return;
    }
    const before = spread();
    travelled += Math.hypot(to.x - from.x, to.y - from.y);
    down.set(event.pointerId, to);
    if (travelled < SLOP_PX) return;
    const share = 1 / down.size;
    drawing.panBy((to.x - from.x) * share, (to.y - from.y) * share);
    const [a, b] = [...down.values()];
    if (a !== undefined && b !== undefined && before > 0) {
      drawing.zoomBy(spread() / before, { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    }
  });
  listen('pointerup', (event) => {
    const was = down.delete(event.pointerId);
    if (!was || travelled >= SLOP_PX) return;
    const at = place(event);
    if (event.pointerType !== 'mouse' && drawing.pixelsPerSeat < TAPPABLE_PX) {
      drawing.zoomBy((TAPPABLE_PX * 1.7) / drawing.pixelsPerSeat, at, true);
      return;
    }
    const index = drawing.hit(at.x, at.y);
    if (index !== null) latest.current.tap(index);
  });
  listen('pointercancel', (event) => void down.delete(event.pointerId));
  listen('pointerleave', leave);
  listen('dblclick', (event) => drawing.zoomBy(2, place(event), true));
  listen(
    'wheel',
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      drawing.zoomBy(Math.exp(-event.deltaY / 300), place(event));
    },
    false,
  );
  viewChanged();
}
