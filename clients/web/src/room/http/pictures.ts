// Upload and download of the room's pictures. A picture's name is the hash of its content, so a picture is downloaded
// once.

import { signal } from "@preact/signals";
import type { Size } from "../../canvas/pictures/extend";
import { sizeOf } from "../../canvas/pictures/pixels";
import type { Provenance } from "../../canvas/pictures/provenance";
import type { RoomHttp } from "./roomHttp";

export interface Asset {
  sha256: string;
  width: number;
  height: number;
  /** Width and height of the file that came, where it was made smaller. */
  scaled_from?: [number, number];
  /** Of the file that came, when there were more than the one that is kept. */
  frames?: number;
}

/** How long a picture that could not be had is left alone. */
const AGAIN_MS = 5000;

/** Sizes of pictures that are remembered. */
const MAX_SIZES = 500;

export class Pictures {
  private readonly sizes = new Map<string, Promise<Size>>();
  /** Addresses of the pictures that are here. */
  private readonly here = signal<ReadonlyMap<string, string>>(new Map());
  private readonly asked = new Set<string>();
  private closed = false;

  constructor(private readonly http: RoomHttp) {}

  /** The address of a picture; null until it is here. Reading it in a component or an effect subscribes to it. */
  url(asset: string): string | null {
    const url = this.here.value.get(asset) ?? null;
    if (!url) void this.load(asset);
    return url;
  }

  /** Throws ApiError. */
  async blob(asset: string): Promise<Blob> {
    return (await this.http.request(`assets/${asset}`)).blob();
  }

  /** Throws ApiError. */
  async upload(file: Blob): Promise<Asset> {
    return (await (await this.http.post("assets", file)).json()) as Asset;
  }

  /** Pixels of a picture. Throws ApiError. */
  size(asset: string): Promise<Size> {
    const known = this.sizes.get(asset);
    if (known) return known;
    const asked = this.blob(asset).then(sizeOf);
    asked.catch(() => this.sizes.delete(asset));
    if (this.sizes.size >= MAX_SIZES) this.sizes.clear();
    this.sizes.set(asset, asked);
    return asked;
  }

  /** Where a picture comes from, as the server's records have it. Throws ApiError. */
  async provenance(asset: string): Promise<Provenance> {
    return this.http.json<Provenance>(`assets/${asset}/provenance`);
  }

  /** A new asset of twice the sides, interpolated. Throws ApiError. */
  async enlarge(asset: string): Promise<Asset> {
    return (await (await this.http.post(`assets/${asset}/enlarge`)).json()) as Asset;
  }

  /** The picture as an SVG file of outlines. Throws ApiError. */
  async trace(asset: string): Promise<Blob> {
    return (await this.http.post(`assets/${asset}/trace`)).blob();
  }

  close(): void {
    this.closed = true;
    for (const url of this.here.peek().values()) URL.revokeObjectURL(url);
    this.here.value = new Map();
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
