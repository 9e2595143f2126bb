//! The console page: a few files in the binary. They hold nothing of the line's, so anybody who
//! reaches the door may have them; what the page shows it asks for with its session.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// Its files: where, what kind, and what is in them.
const FILES: [(&str, &str, &str); 10] = [
    ("/", "text/html; charset=utf-8", include_str!("../../assets/console/index.html")),
    ("/style.css", CSS, include_str!("../../assets/console/style.css")),
    ("/app.js", JS, include_str!("../../assets/console/app.js")),
    ("/api.js", JS, include_str!("../../assets/console/api.js")),
    ("/state.js", JS, include_str!("../../assets/console/state.js")),
    ("/draw.js", JS, include_str!("../../assets/console/draw.js")),
    ("/live.js", JS, include_str!("../../assets/console/live.js")),
    ("/views.js", JS, include_str!("../../assets/console/views.js")),
    ("/talk.js", JS, include_str!("../../assets/console/talk.js")),
    ("/icon.svg", "image/svg+xml", include_str!("../../assets/console/icon.svg")),
];
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// Nothing from elsewhere, nothing inline, in nobody's frame. `blob:` is what the page itself has
/// fetched: pictures and sound of calls.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
    media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A route for each file.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, (path, kind, text)| {
        let serve = move || async move {
            // Another build of the line has another page.
            let headers = [
                (header::CONTENT_TYPE, *kind),
                (header::CACHE_CONTROL, "no-cache"),
                (header::CONTENT_SECURITY_POLICY, POLICY),
            ];
            (headers, *text).into_response()
        };
        router.route(path, get(serve))
    })
}
