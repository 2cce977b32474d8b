/**
 * One check sees all sides of a browser as a window (TypeScript's own types of a worker contradict those): this is what
 * workers have beyond that, or some browsers alone.
 */
interface Window {
  readonly clients: { claim(): Promise<void> };
  readonly fonts: FontFaceSet;
  readonly registration: ServiceWorkerRegistration;
  skipWaiting(): Promise<void>;
}

interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Response | Promise<Response>): void;
}

interface WindowEventMap {
  activate: ExtendableEvent;
  fetch: FetchEvent;
}

interface Performance {
  readonly memory?: { usedJSHeapSize: number };
}

interface Navigator {
  readonly deviceMemory?: number;
}

/** Node's alone: the site's build runs the worker's files. */
interface MessagePort {
  unref?(): void;
}

/** With every build of the site another (lite/offline.mjs). */
declare const VERSION: string;
