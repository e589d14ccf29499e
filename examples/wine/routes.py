"""Start waiting work: every uploaded spreadsheet that was not processed yet, or one of them."""

import frontdesk as fd

routes = fd.Routes()


@routes.route("POST", "/process_all")
async def process_all(request: fd.RouteRequest) -> dict:
    """All of the caller's uploads that wait. Those that do not fit are named, and the others begun."""
    started, refused = [], {}
    for file in await request.waiting_files():
        try:
            job = await request.process_file("wine", file["id"])
        except fd.InvalidInput as refusal:
            refused[file["name"]] = [fault.detail for fault in refusal.faults]
        else:
            started.append(job["id"])
    return {"jobs": started, "refused": refused}


@routes.route("POST", "/process_file")
async def process_file(request: fd.RouteRequest) -> dict:
    """The upload `?id=`."""
    return {"job": (await request.process_file("wine", request.query.get("id", "")))["id"]}
