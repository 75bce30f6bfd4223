import "./styles/index.css";
import { render } from "preact";
import { readInvite } from "./room/api";
import { language } from "./strings";
import { Lobby } from "./ui/lobby";
import { RoomPage } from "./ui/roomPage";

document.documentElement.lang = language;
const root = document.getElementById("app");
const invite = readInvite(location.href, location.origin);
if (root) render(invite ? <RoomPage invite={invite} /> : <Lobby />, root);
// Another link pasted into the same tab changes the fragment only.
addEventListener("hashchange", () => location.reload());
