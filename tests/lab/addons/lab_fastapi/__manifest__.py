{
    "name": "Lab: an application of FastAPI",
    "version": "1.0.0",
    "license": "LGPL-3",
    "depends": ["fastapi"],
    "data": ["endpoint.xml"],
}
