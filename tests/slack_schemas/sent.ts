import type { HomeView, KnownBlock, ModalView } from "@slack/types";
import type { AppsManifestCreateArguments } from "@slack/web-api";
export interface SentMessage { blocks: KnownBlock[]; }
export type SentModal = ModalView;
export type SentHome = HomeView;
export type AppManifest = AppsManifestCreateArguments["manifest"];
