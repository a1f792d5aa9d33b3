// The operations board.
import { openPage } from "../lib/shell.js";
import { h } from "../lib/dom.js";
import { onEnd } from "../lib/state.js";
import { openSocket } from "../lib/socket.js";
import { connectionState } from "../lib/view.js";
import { graticule, openMap } from "../lib/map.js";

openPage({
  kind: "admin",
  title: "Operations",
  show: ({ session }) => {
    const socket = openSocket(session, "/ops");
    onEnd(() => socket.close());
    const place = h("div", { class: "map", "aria-label": "Map" });
    graticule(openMap(place, { lat: 22.5726, lng: 88.3639, zoom: 11 }));
    return h("main", { class: "board", id: "main" }, connectionState(socket), place);
  },
});
