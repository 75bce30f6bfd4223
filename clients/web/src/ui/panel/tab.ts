// What every tab of the side panel is given.

import type { StoryEditor } from "../../editor/storyEditor";
import type { Room } from "../../room/room";
import type { Asking } from "../story/askForm";
import type { WhoWrote } from "../story/authorColours";
import type { Travel } from "./historyBrowser";

export interface TabProps {
  room: Room;
  asking: Asking;
  /** Null until the editor is there. */
  editor: StoryEditor | null;
  travel: Travel;
  whoWrote: WhoWrote | null;
}
