// The room's pictures: files go up, and come down as addresses that an <image> can show. A picture is named by the hash
// of its content, so that what is here once is here for good.

import { signal } from "@preact/signals";
import { ApiError, messageOf } from "./api";

export interface Asset {
  sha256: string;
  width: number;
  height: number;
}

/** How long a picture that could not be had is left alone. */
const AGAIN_MS = 5000;

export class Pictures {
  /** Addresses of the pictures that are here. */
  private readonly here = signal<ReadonlyMap<string, string>>(new Map());
  private readonly asked = new Set<string>();
  private closed = false;

  constructor(
    private readonly room: () => string,
    private readonly token: string,
  ) {}

  /** The address of a picture; null until it is here. Reading it in a component or an effect subscribes to it. */
  url(asset: string): string | null {
    const url = this.here.value.get(asset) ?? null;
    if (!url) void this.load(asset);
    return url;
  }

  async blob(asset: string): Promise<Blob> {
    const answer = await fetch(`${this.address}/${asset}`, { headers: this.headers });
    if (!answer.ok) throw new ApiError(`${answer.status} ${answer.statusText}`);
    return answer.blob();
  }

  /** Throws ApiError with the server's own words, or "" when it does not answer. */
  async upload(file: Blob): Promise<Asset> {
    let answer: Response;
    try {
      answer = await fetch(this.address, { method: "POST", body: file, headers: this.headers });
    } catch {
      throw new ApiError("");
    }
    const body: unknown = await answer.json().catch(() => null);
    if (answer.status === 201) return body as Asset;
    throw new ApiError(messageOf(body) || `${answer.status} ${answer.statusText}`);
  }

  close(): void {
    this.closed = true;
    for (const url of this.here.peek().values()) URL.revokeObjectURL(url);
    this.here.value = new Map();
  }

  private get address(): string {
    return `/api/rooms/${encodeURIComponent(this.room())}/assets`;
  }

  private get headers(): Record<string, string> {
    return { Authorization: `Bearer ${this.token}` };
  }

  private async load(asset: string): Promise<void> {
    if (this.asked.has(asset) || this.closed) return;
    this.asked.add(asset);
    try {
      const url = URL.createObjectURL(await this.blob(asset));
      const image = new Image();
      image.src = url;
      await image.decode();
      if (this.closed) URL.revokeObjectURL(url);
      else this.here.value = new Map(this.here.peek()).set(asset, url);
    } catch {
      setTimeout(() => {
        this.asked.delete(asset);
        // Whoever still shows it asks once more.
        if (!this.closed) this.here.value = new Map(this.here.peek());
      }, AGAIN_MS);
    }
  }
}
